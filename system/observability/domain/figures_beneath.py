"""Figures of what the services stand on: databases, broker, machine, storage, Redis, gateway. See figures.py for all of them."""

from __future__ import annotations

from system.observability.domain.figure import N_, Figure, Query, Section, Unit

_DATABASES = (
    Figure(
        "connections",
        Section.DATABASES,
        N_("Connections"),
        N_("Open connections of each database, and how many the server takes."),
        Unit.COUNT,
        (
            Query(
                'sum by (datname) (alexandrite_database_sessions_open{datname!~"template.*|postgres|"}) > 0',
                "{datname}",
            ),
            Query("max(alexandrite_database_connections_max)", N_("at most")),
        ),
        runbook="DatabaseConnectionsShort",
    ),
    Figure(
        "locks",
        Section.DATABASES,
        N_("Locks"),
        N_("Locks that are held, by their mode. Exclusive ones that stay are what others wait for."),
        Unit.COUNT,
        (Query("sum by (mode) (pg_locks_count) > 0", "{mode}"),),
        runbook="DatabaseLocked",
    ),
    Figure(
        "lock_waits",
        Section.DATABASES,
        N_("Longest wait for a lock"),
        N_("How long the session that waits the longest for a lock has waited, by database."),
        Unit.SECONDS,
        (Query("max by (datname) (alexandrite_database_lock_longest_seconds) > 0", "{datname}"),),
        runbook="DatabaseLocked",
    ),
    Figure(
        "longest_transaction",
        Section.DATABASES,
        N_("Longest transaction"),
        N_("How long the oldest open transaction of each database has run."),
        Unit.SECONDS,
        (
            Query(
                'max by (datname) (alexandrite_database_sessions_oldest_transaction_seconds{datname!~"template.*|postgres|"})',
                "{datname}",
            ),
        ),
        runbook="DatabaseLocked",
    ),
    Figure(
        "statements",
        Section.DATABASES,
        N_("Time in statements"),
        N_("Seconds of statements a second, by database: 1 is one processor's worth (pg_stat_statements)."),
        Unit.TIMES,
        (Query("sum by (datname) (rate(pg_stat_statements_seconds_total[$window]))", "{datname}"),),
        runbook="SlowQueries",
        is_stacked=True,
    ),
    Figure(
        "slow_statements",
        Section.DATABASES,
        N_("The slowest statements"),
        N_("Mean time of one call, the five slowest, by their id in pg_stat_statements of that database."),
        Unit.SECONDS,
        (
            Query(
                "topk(5, sum by (datname, queryid) (rate(pg_stat_statements_seconds_total[$window]))"
                " / (sum by (datname, queryid) (rate(pg_stat_statements_calls_total[$window])) > 0))",
                "{datname} {queryid}",
            ),
        ),
        runbook="SlowQueries",
    ),
    Figure(
        "commits",
        Section.DATABASES,
        N_("Transactions"),
        N_("Transactions that were committed, a second."),
        Unit.PER_SECOND,
        (
            Query(
                'sum by (datname) (rate(pg_stat_database_xact_commit{datname!~"template.*|postgres|"}[$window]))',
                "{datname}",
            ),
        ),
        runbook="DatabaseDown",
        is_stacked=True,
    ),
    Figure(
        "database_size",
        Section.DATABASES,
        N_("Size of the databases"),
        N_("What each database uses of the disk."),
        Unit.BYTES,
        (Query('max by (datname) (pg_database_size_bytes{datname!~"template.*|postgres"})', "{datname}"),),
        runbook="HostDiskFills",
        is_stacked=True,
    ),
)

_BROKER = (
    Figure(
        "nodes",
        Section.BROKER,
        N_("Nodes of the broker"),
        N_("Nodes that answer Prometheus, and their alarms: memory and disk. An alarm stops everybody who publishes."),
        Unit.COUNT,
        (
            Query("count(rabbitmq_build_info)", N_("nodes")),
            Query("sum(rabbitmq_alarms_memory_used_watermark)", N_("memory alarms")),
            Query("sum(rabbitmq_alarms_free_disk_space_watermark)", N_("disk alarms")),
        ),
        runbook="BrokerNodeDown",
    ),
    Figure(
        "broker_memory",
        Section.BROKER,
        N_("Memory of the broker"),
        N_("What each node uses, and from where on it stops those who publish."),
        Unit.BYTES,
        (
            Query("max by (instance) (rabbitmq_process_resident_memory_bytes)", "{instance}"),
            Query("min(rabbitmq_resident_memory_limit_bytes)", N_("alarm from")),
        ),
        runbook="BrokerAlarm",
    ),
    Figure(
        "broker_disk",
        Section.BROKER,
        N_("Disk of the broker"),
        N_("What is free for each node, and below what it stops those who publish."),
        Unit.BYTES,
        (
            Query("min by (instance) (rabbitmq_disk_space_available_bytes)", "{instance}"),
            Query("max(rabbitmq_disk_space_available_limit_bytes)", N_("alarm below")),
        ),
        runbook="BrokerAlarm",
    ),
    Figure(
        "published",
        Section.BROKER,
        N_("Messages published"),
        N_(
            "Messages that the broker confirmed, a second, by service; and publishes that it refused or could not route."
        ),
        Unit.PER_SECOND,
        (
            Query("sum by (service) (rate(alexandrite_messages_published_total[$window])) > 0", "{service}"),
            Query("sum(rate(alexandrite_publish_failures_total[$window]))", N_("refused")),
        ),
        runbook="OutboxParked",
    ),
    Figure(
        "consumed",
        Section.BROKER,
        N_("Messages handled"),
        N_("Messages that services handled, a second, by what came of them."),
        Unit.PER_SECOND,
        (Query("sum by (outcome) (rate(alexandrite_messages_consumed_total[$window]))", "{outcome}"),),
        runbook="MessagesParked",
        is_stacked=True,
    ),
    Figure(
        "consumers",
        Section.BROKER,
        N_("Consumers"),
        N_("Processes that consume the queue of their service."),
        Unit.COUNT,
        (Query("sum by (service) (alexandrite_consumer_up) > 0", "{service}"),),
        runbook="ConsumerGone",
    ),
)

_HOST = (
    Figure(
        "cpu",
        Section.HOST,
        N_("Processors"),
        N_("Share of all processors that is busy, by what with."),
        Unit.SHARE,
        (
            Query(
                'sum by (mode) (rate(node_cpu_seconds_total{mode=~"user|system|iowait|steal|nice"}[$window]))'
                " / scalar(count(count by (cpu) (node_cpu_seconds_total)))",
                "{mode}",
            ),
        ),
        runbook="HostMemoryShort",
        is_stacked=True,
    ),
    Figure(
        "memory",
        Section.HOST,
        N_("Memory"),
        N_("What of the machine's memory is still there for whoever asks."),
        Unit.BYTES,
        (
            Query("node_memory_MemAvailable_bytes", N_("available")),
            Query("node_memory_MemTotal_bytes", N_("in all")),
        ),
        runbook="HostMemoryShort",
    ),
    Figure(
        "disk",
        Section.HOST,
        N_("Disk that is used"),
        N_("Share of each disk that is used."),
        Unit.SHARE,
        (
            Query(
                '1 - min by (device) (node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|overlay|squashfs"})'
                ' / max by (device) (node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|overlay|squashfs"})',
                "{device}",
            ),
        ),
        runbook="HostDiskFills",
    ),
    Figure(
        "disk_traffic",
        Section.HOST,
        N_("Reading and writing"),
        N_("Bytes a second from and to the disks."),
        Unit.BYTES_PER_SECOND,
        (
            Query("sum(rate(node_disk_read_bytes_total[$window]))", N_("read")),
            Query("sum(rate(node_disk_written_bytes_total[$window]))", N_("written")),
        ),
        runbook="HostDiskFills",
    ),
    Figure(
        "network",
        Section.HOST,
        N_("Network"),
        N_("Bytes a second over the machine's network."),
        Unit.BYTES_PER_SECOND,
        (
            Query(
                'sum(rate(node_network_receive_bytes_total{device!~"lo|veth.*|br-.*|docker.*"}[$window]))',
                N_("received"),
            ),
            Query(
                'sum(rate(node_network_transmit_bytes_total{device!~"lo|veth.*|br-.*|docker.*"}[$window]))', N_("sent")
            ),
        ),
        runbook="ServiceDown",
    ),
    Figure(
        "backup_age",
        Section.HOST,
        N_("Age of the newest backup"),
        N_("How long ago a backup of the databases was last finished, by its kind."),
        Unit.SECONDS,
        (Query("time() - max by (kind) (alexandrite_backup_last_success_timestamp_seconds)", "{kind}"),),
        runbook="BackupOld",
    ),
    Figure(
        "process_memory",
        Section.HOST,
        N_("Memory of the services"),
        N_("What the largest process of each service uses."),
        Unit.BYTES,
        (Query('max by (service) (process_resident_memory_bytes{job="services"})', "{service}"),),
        runbook="HostMemoryShort",
    ),
)

_STORES = (
    Figure(
        "gateway_requests",
        Section.STORES,
        N_("Requests at the gateway"),
        N_("Requests a second, by the first digit of their status."),
        Unit.PER_SECOND,
        (
            Query(
                'sum by (class) (label_replace(rate(traefik_entrypoint_requests_total{entrypoint!="internal"}[$window]),'
                ' "class", "${1}xx", "code", "(.).."))',
                "{class}",
            ),
        ),
        runbook="ErrorBudgetBurns",
        is_stacked=True,
    ),
    Figure(
        "gateway_time",
        Section.STORES,
        N_("Time at the gateway"),
        N_("95 of 100 answers are faster, streams among them, by who answered."),
        Unit.SECONDS,
        (
            Query(
                "topk(10, histogram_quantile(0.95, sum by (service, le)"
                " (rate(traefik_service_request_duration_seconds_bucket[$window]))))",
                "{service}",
            ),
        ),
        runbook="LatencyBudgetBurns",
    ),
    Figure(
        "storage_requests",
        Section.STORES,
        N_("Requests to the storage"),
        N_("What S3 answered, a second, by status."),
        Unit.PER_SECOND,
        (Query("sum by (code) (rate(SeaweedFS_s3_request_total[$window]))", "{code}"),),
        runbook="StorageDown",
        is_stacked=True,
    ),
    Figure(
        "storage_size",
        Section.STORES,
        N_("Size of the storage"),
        N_("What the models and pictures use of the storage's disk."),
        Unit.BYTES,
        (Query("sum by (collection) (SeaweedFS_volumeServer_total_disk_size)", "{collection}"),),
        runbook="HostDiskFills",
    ),
    Figure(
        "redis_memory",
        Section.STORES,
        N_("Memory of Redis"),
        N_("What Redis uses. Losing it loses no order."),
        Unit.BYTES,
        (Query("max(redis_memory_used_bytes)", N_("used")),),
        runbook="RedisDown",
    ),
    Figure(
        "redis_commands",
        Section.STORES,
        N_("Commands of Redis"),
        N_("Commands a second."),
        Unit.PER_SECOND,
        (Query("sum(rate(redis_commands_processed_total[$window]))", N_("commands")),),
        runbook="RedisDown",
    ),
)

BENEATH: tuple[Figure, ...] = (*_DATABASES, *_BROKER, *_HOST, *_STORES)
