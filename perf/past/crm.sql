-- What CRM holds of the orders in `made`; three in a row are one customer's. Of a history only the last step is kept: no list reads
-- more, and a thousand bytes a row are a gigabyte.
INSERT INTO sales_order (order_id, number, opened_at, version, status, status_since, promise_at, due_at, allowed, total, total_currency,
    priced_lines, shipments, history, heard_at, channel, customer, customer_email, delivery, lines, agreed_total, agreed_currency,
    partner_reference, submitted_at, decision, decided_by, decided_by_name, decided_at)
SELECT order_id, number, submitted_at - interval '10 minutes', version, status, state_since, promise_at, promise_at, allowed,
    price, 'RUB',
    jsonb_build_array(jsonb_build_object(
        'line_id', line_id, 'quote_id', quote_id, 'total', sum, 'weight_g', weight_g::text)),
    CASE WHEN reached < 5 THEN '[]' ELSE jsonb_build_array(jsonb_build_object(
        'carrier', 'cdek', 'tracking_number', 'PAST-' || n, 'work_order_id', work_order_id)) END,
    jsonb_build_array(jsonb_build_object(
        'version', version, 'from_status', NULL, 'to_status', status, 'at', state_since, 'actor', operator_name, 'reason', NULL)),
    state_since, channel,
    jsonb_build_object(
        'id', md5('customer ' || buyer)::uuid, 'name', buyer_name, 'email', email, 'language', 'ru',
        'phone', regexp_replace(phone, '(...)(...)(..)(..)', '+7 \1 \2-\3-\4')),
    email,
    jsonb_build_object(
        'recipient', buyer_name, 'address', 'Тверская ' || mod(n, 100), 'city', 'Москва', 'postcode', '125009', 'country', 'RU'),
    jsonb_build_array(jsonb_build_object(
        'line_id', line_id, 'kind', kind, 'title', title, 'material', material, 'quantity', 1, 'quote_id', quote_id,
        'agreed_total', sum, 'ring_size', ring_size, 'file_id', CASE WHEN kind = 'custom' THEN model_id END,
        'sku', CASE WHEN kind = 'ready_made' THEN 'ring-classic-585' END)),
    price, 'RUB',
    CASE WHEN channel = 'partner' THEN 'PO-' || lpad(n::text, 8, '0') END,
    submitted_at, 'approved', md5('seller')::uuid, 'Sofia', approved_at
FROM made
CROSS JOIN LATERAL (SELECT n / 3 AS buyer, jsonb_build_object('amount', price || '.00', 'currency', 'RUB') AS sum) AS basics
CROSS JOIN LATERAL (
    SELECT 'client' || buyer || '@example.com' AS email,
           (9000000000 + mod(buyer * 7919::bigint, 1000000000))::text AS phone,
           pg_temp.one_of('{Анна,Мария,Ольга,Елена,Ирина,Вера,Нина,Дарья,Софья,Юлия}', buyer) || ' '
               || pg_temp.one_of('{Ворон,Сокол,Лебед,Медвед,Волк,Орл,Кузнец,Лис,Зайц,Журавл,Ветр,Степн,Дубр}', buyer / 10)
               || pg_temp.one_of('{енко,ских,ович,енюк,уха,ицкая,овская,инская,ещук,ай,ань,ец}', buyer / 130) AS buyer_name
) AS bought;
