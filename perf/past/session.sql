-- What a connection needs to write the past. All of it ends with the connection.

-- A past that is lost with the machine is written again.
SET synchronous_commit = off;
SET work_mem = '64MB';
-- Every row refers to one that the same transaction writes: looking up each again would double the time.
SET session_replication_role = replica;

-- A UUID of version 7 that is the same each time: its moment, then what its kind and number hash to.
CREATE OR REPLACE FUNCTION pg_temp.id_of(kind text, n bigint, moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
            || '7' || substr(md5(kind || n), 1, 3) || '8' || substr(md5(kind || n), 4, 15))::uuid
$$;

CREATE OR REPLACE FUNCTION pg_temp.one_of(words text[], chance bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT words[1 + mod(chance, cardinality(words))]
$$;
