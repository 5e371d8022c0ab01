-- The orders numbered first to last, as MES and CRM both know them. Order n is the n-th newest: it was approved 90 n seconds before
-- the moment `newest`, and all else follows from n and that moment. The newest 6,000 are being made, half of them free to be taken; all
-- others are shipped. So what is on the board is the same, however much lies behind it.
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
WITH drawn AS (
    SELECT n,
           -- Even, and the same each time.
           ('x' || substr(md5('order ' || n), 1, 7))::bit(28)::bigint AS chance,
           %(newest)s::timestamptz - n * interval '90 seconds' AS approved_at,
           CASE WHEN n > 6000 THEN interval '1 day' ELSE interval '5 minutes' END AS pace,
           CASE WHEN n > 6000 THEN 5 WHEN mod(n, 20) < 10 THEN 1 WHEN mod(n, 20) < 15 THEN 2 WHEN mod(n, 20) < 18 THEN 3 ELSE 4 END
               AS reached
    FROM generate_series(%(first)s::integer, %(last)s::integer) AS n
), dated AS (
    SELECT *,
           approved_at + interval '2 seconds' AS released_at,
           -- Some wait for a seller longer than others, and are late for it.
           approved_at - mod(chance, 40) * interval '1 day' AS submitted_at,
           mod(chance, 40) AS operator,
           mod(chance / 40, 5) AS shape
    FROM drawn
)
SELECT n, chance, approved_at, released_at, submitted_at, pace, reached,
       submitted_at + interval '21 days' AS promise_at,
       -- Work in hand was taken today: older claims would lapse while somebody measures.
       CASE WHEN reached = 2 THEN greatest(released_at, %(newest)s::timestamptz - mod(n, 20) * interval '1 hour')
            ELSE released_at + (reached - 1) * pace END AS state_since,
       -- One digit more than the shop's own: neither is ever taken for the other.
       'A-' || to_char(submitted_at AT TIME ZONE 'UTC', 'YY') || (9000000 - n) AS number,
       (ARRAY['RELEASED', 'CLAIMED', 'COMPLETED', 'PACKING', 'SHIPPED'])[reached] AS state,
       CASE WHEN n > 12000 THEN 'CLOSED' ELSE
           (ARRAY['MANUFACTURING_APPROVED', 'MANUFACTURING_STARTED', 'MANUFACTURING_COMPLETED', 'PACKAGING', 'SHIPPED'])[reached]
           END AS status,
       CASE WHEN n > 12000 THEN 10 ELSE 4 + reached END AS version,
       CASE WHEN n > 6000 THEN '{}' ELSE '{CANCELLED}' END::varchar[] AS allowed,
       CASE WHEN mod(chance / 200, 7) = 0 THEN 'partner' ELSE 'shop' END AS channel,
       CASE WHEN mod(chance / 1400, 5) < 3 THEN 'custom' ELSE 'ready_made' END AS kind,
       CASE WHEN mod(chance / 7000, 20) < 12 THEN 'gold_585' WHEN mod(chance / 7000, 20) < 17 THEN 'silver_925'
            WHEN mod(chance / 7000, 20) < 19 THEN 'gold_750' ELSE 'platinum_950' END AS material,
       pg_temp.one_of('{Кольцо,Кулон,Брошь,Серьги,Браслет}', shape) || ' '
           || pg_temp.one_of('{Аври,Бели,Вале,Гради,Дами,Жасми,Зари,Ирми,Кали,Лари,Мире,Нори,Орли,Пали,Роси,Сели,Тали,Фиори}',
                             chance / 140000)
           || pg_temp.one_of('{анта,белла,верна,гретта,дора,етта,занна,какия,линда,мира,нелла,олина,ренца,сирена,тиана,фена,шель}', n)
           AS title,
       CASE WHEN shape = 0 THEN '17.5' END AS ring_size,
       round(2 + mod(chance, 600) / 100.0, 2) AS weight_g,
       9000 + mod(chance, 60000) AS price,
       md5('operator ' || operator)::uuid AS operator_id,
       'Operator ' || operator AS operator_name,
       pg_temp.id_of('order', n, submitted_at) AS order_id,
       pg_temp.id_of('line', n, submitted_at) AS line_id,
       pg_temp.id_of('quote', n, submitted_at) AS quote_id,
       pg_temp.id_of('file', n, submitted_at) AS model_id,
       pg_temp.id_of('work order', n, released_at) AS work_order_id
FROM dated;
