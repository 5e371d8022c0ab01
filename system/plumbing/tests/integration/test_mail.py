"""A notice is there with its cause or not at all, and the real mail server gets it once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from opentelemetry.trace import StatusCode
from psycopg import sql
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from system.conftest import Infrastructure
from system.images.mailbox.mailbox import Behaviour
from system.plumbing import telemetry
from system.plumbing.database import create_engine as create_async_engine
from system.plumbing.database import database_url
from system.plumbing.jobs import create_job_trace, take_over
from system.plumbing.mail.box import QUEUE, KeptNotices, NoticeBox
from system.plumbing.mail.notice import Notice, NoticeState, Written
from system.plumbing.mail.schema import create_mail_tables
from system.plumbing.mail.settings import MailSettings
from system.plumbing.mail.worker import make_app, send_letters
from system.plumbing.schema import create_plumbing_tables
from system.plumbing.settings import ServiceSettings
from system.plumbing.tests.integration.conftest import until
from system.plumbing.tests.post import RealPost, real_post
from system.plumbing.tests.spans import ids_of, recording
from system.plumbing.unit_of_work import UnitOfWork

pytestmark = pytest.mark.integration
ANNA = "anna@example.com"
DATABASE = "mail_test"
LETTERS = 60


class Writer:
    kinds = frozenset({"order-received"})

    def write(self, notice: Notice) -> Written:
        return Written("Your order", f"It is {notice.facts['number']}.")


@dataclass
class Process:
    """What the sender asks of the service around it."""

    engine: AsyncEngine
    share: set[str] = field(default_factory=lambda: {"timer"})

    def holds(self, role: str) -> bool:
        return role in self.share


@dataclass
class Mail:
    """The notices of a small service, and the server that gets them."""

    engine: AsyncEngine
    settings: MailSettings
    post: RealPost
    process: Process

    async def post_notice(self, notice: Notice, *, commit: bool = True) -> bool:
        async with UnitOfWork(self.engine, "shop") as uow:
            posted = await NoticeBox(uow.connection, now=lambda: uow.now).post(notice)
            if commit:
                await uow.commit()
        return posted

    async def state(self, notice: Notice) -> str:
        kept = await KeptNotices(self.engine).get(notice.id)
        return kept.state.value if kept else "none"

    async def jobs(self, status: str) -> int:
        query = text("SELECT count(*) FROM procrastinate_jobs WHERE status::text = :status")
        async with self.engine.connect() as connection:
            return int((await connection.execute(query, {"status": status})).scalar_one())

    def sends(self) -> asyncio.Task[None]:
        return asyncio.create_task(send_letters(cast(Any, self.process), Writer(), self.settings))


@pytest.fixture
def post() -> Iterator[RealPost]:
    with real_post() as opened:
        yield opened


@pytest.fixture
async def mail(infrastructure: Infrastructure, post: RealPost) -> AsyncIterator[Mail]:
    with infrastructure.server.connect() as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    settings: ServiceSettings = infrastructure.settings_of(
        "shop", database_name=DATABASE, database_user="postgres", database_password=infrastructure.server.password
    )
    superuser = create_engine(database_url(settings))
    with superuser.begin() as connection:
        create_plumbing_tables(connection)
        create_mail_tables(connection)
        create_job_trace(connection)
    superuser.dispose()
    told = MailSettings.model_validate(
        settings.model_dump()
        | {"smtp_host": "127.0.0.1", "smtp_port": post.port, "mail_retry_base_s": 0.05, "mail_retry_max_s": 0.2}
        | {"mail_stalled_after_s": 1.0}
    )
    engine = create_async_engine(settings)
    yield Mail(engine, told, post, Process(engine))
    await engine.dispose()


def notice(occasion: str = "", about: UUID | None = None) -> Notice:
    return Notice("order-received", about or uuid4(), ANNA, "en", {"number": "A-1"}, occasion)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_notice_is_there_with_its_cause_or_not_at_all(mail: Mail) -> None:
    one = notice()
    assert await mail.post_notice(one, commit=False)
    assert (await mail.state(one), await mail.jobs("todo")) == ("none", 0)
    assert [await mail.post_notice(one), await mail.post_notice(one)] == [True, False]
    assert (await mail.state(one), await mail.jobs("todo")) == ("waiting", 1)


async def test_the_same_occasion_told_at_once_by_many_is_one_letter(mail: Mail) -> None:
    one, two = notice(), notice()
    posted = await asyncio.gather(*(mail.post_notice(each) for each in [one, two] * 5))
    assert sorted(posted) == [False] * 8 + [True] * 2
    sending = mail.sends()
    await until(lambda: _is(mail, one, "sent"))
    await until(lambda: _is(mail, two, "sent"))
    await ended(sending)
    assert len({letter.message_id for letter in mail.post.letters(ANNA)}) == 2
    kept = await KeptNotices(mail.engine).get(one.id)
    assert kept is not None and kept.notice.facts == {}, "what was needed to write it is forgotten"


async def test_a_server_that_is_away_gets_the_letter_once_it_is_back(mail: Mail) -> None:
    mail.post.mailbox.behaves(ANNA, Behaviour(reply="451 later"))
    one = notice()
    await mail.post_notice(one)
    sending = mail.sends()
    await until(lambda: _tried(mail, one, times=3))
    mail.post.mailbox.behaves(ANNA, None)
    await until(lambda: _is(mail, one, "sent"))
    await ended(sending)
    assert len(mail.post.letters(ANNA)) == 1


async def test_a_refused_letter_ends_with_the_servers_word(mail: Mail) -> None:
    mail.post.mailbox.behaves(ANNA, Behaviour(reply="550 nobody here"))
    one = notice()
    await mail.post_notice(one)
    sending = mail.sends()
    await until(lambda: _is(mail, one, "refused"))
    await ended(sending)
    kept = await KeptNotices(mail.engine).get(one.id)
    assert kept is not None and kept.said == "550 nobody here"


async def test_a_withdrawn_notice_is_not_sent(mail: Mail) -> None:
    one = notice()
    await mail.post_notice(one)
    async with UnitOfWork(mail.engine, "shop") as uow:
        assert await NoticeBox(uow.connection, now=lambda: uow.now).withdraw(one.kind, about=one.about) == 1
        await uow.commit()
    other = notice()
    await mail.post_notice(other)
    sending = mail.sends()
    await until(lambda: _is(mail, other, "sent"))
    await until(lambda: _no_jobs(mail))
    await ended(sending)
    assert await mail.state(one) == NoticeState.WITHDRAWN and len(mail.post.letters(ANNA)) == 1


async def test_a_process_without_a_share_of_the_work_writes_to_nobody(mail: Mail) -> None:
    one = notice()
    await mail.post_notice(one)
    mail.process.share.clear()
    waiting = mail.sends()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 1.0)
    assert await mail.state(one) == "waiting" and mail.post.letters() == []
    mail.process.share.add("timer")
    await until(lambda: _is(mail, one, "sent"))
    await ended(waiting)


async def test_the_letter_of_a_process_that_died_is_taken_over(mail: Mail) -> None:
    one = notice()
    await mail.post_notice(one)
    async with mail.engine.begin() as connection:
        # As a killed process leaves it: taken, by a worker that beats no more.
        await connection.execute(
            text(
                "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id)"
                " UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM dead)"
            )
        )
    app = make_app(mail.settings, cast(Any, None))
    async with app.open_async():
        assert await take_over(app, QUEUE, stalled_after_s=1.0) == 1
        assert await take_over(app, QUEUE, stalled_after_s=1.0) == 0
    sending = mail.sends()
    await until(lambda: _is(mail, one, "sent"))
    await ended(sending)
    assert len(mail.post.letters(ANNA)) == 1


async def _is(mail: Mail, one: Notice, state: str) -> bool:
    return await mail.state(one) == state


async def _tried(mail: Mail, one: Notice, *, times: int) -> bool:
    kept = await KeptNotices(mail.engine).get(one.id)
    return kept is not None and kept.attempts >= times


async def _no_jobs(mail: Mail) -> bool:
    return await mail.jobs("todo") + await mail.jobs("doing") == 0


async def test_a_letter_goes_on_in_the_trace_of_its_cause_and_names_nobody(mail: Mail) -> None:
    order_id = uuid4()
    one = notice(about=order_id)
    with recording() as spans:
        with telemetry.in_order(order_id, "deed"):
            await mail.post_notice(one)
        sending = mail.sends()
        await until(lambda: _is(mail, one, "sent"))
        await ended(sending)
        letter, smtp = spans.one("send letter"), spans.one("SMTP send")
        assert ids_of(letter)[0] == ids_of(smtp)[0] == order_id.int
        assert letter.parent is not None and letter.parent.span_id == ids_of(spans.one("deed"))[1]
        assert (letter.attributes or {})["order.id"] == str(order_id)
        assert not any(ANNA in span.to_json() for span in spans.all)
    async with mail.engine.connect() as connection:
        # Who asked leaves with the job.
        assert (await connection.execute(text("SELECT count(*) FROM job_trace"))).scalar_one() == 0


async def test_a_letter_that_waits_has_not_failed_and_the_server_that_did_not_take_it_has(mail: Mail) -> None:
    mail.post.mailbox.behaves(ANNA, Behaviour(reply="451 later"))
    one = notice()
    with recording() as spans:
        await mail.post_notice(one)
        sending = mail.sends()
        await until(lambda: _tried(mail, one, times=2))
        mail.post.mailbox.behaves(ANNA, None)
        await until(lambda: _is(mail, one, "sent"))
        await ended(sending)
        failed = {span.name for span in spans.all if span.status.status_code is StatusCode.ERROR}
    assert failed == {"SMTP send"}


async def test_many_letters_go_over_few_connections(mail: Mail) -> None:
    async with UnitOfWork(mail.engine, "shop") as uow:
        box = NoticeBox(uow.connection, now=lambda: uow.now)
        for number in range(LETTERS):
            box.post_at_commit(replace(notice(), to=f"anna{number}@example.com"))
        await box.write()
        await uow.commit()
    hurried = mail.settings.model_copy(update={"mail_per_second_max": 1000.0})
    began_s = time.process_time()
    with capture_logs():
        sending = asyncio.create_task(send_letters(cast(Any, mail.process), Writer(), hurried))
        await until(lambda: _no_jobs(mail), within_s=60)
    print(
        f"\n{LETTERS} letters, {1000 * (time.process_time() - began_s) / LETTERS:.1f} ms each, their mail server among it"
    )
    await ended(sending)
    assert len({letter.message_id for letter in mail.post.letters()}) == len(mail.post.letters()) == LETTERS
