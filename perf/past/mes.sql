-- What MES holds of the orders in `made`.
INSERT INTO work_order (id, order_id, line_id, order_number, channel, title, kind, material, quantity, ring_size, file_id, sku,
    weight_g, approved_at, promise_at, released_at, state, state_since, claim_no, claimed_by, claimed_by_name, claimed_at,
    carrier, tracking_number)
SELECT work_order_id, order_id, line_id, number, channel, title, kind, material, 1, ring_size,
    CASE WHEN kind = 'custom' THEN model_id END, CASE WHEN kind = 'ready_made' THEN 'ring-classic-585' END, weight_g,
    approved_at, promise_at, released_at, state, state_since, (reached > 1)::integer,
    CASE WHEN reached > 1 THEN operator_id END, CASE WHEN reached > 1 THEN operator_name END,
    CASE WHEN reached > 1 THEN released_at + pace END,
    CASE WHEN reached = 5 THEN 'cdek' END, CASE WHEN reached = 5 THEN 'PAST-' || n END
FROM made;

INSERT INTO work_order_history (work_order_id, at, state, claim_no, actor, reason)
SELECT work_order_id, released_at + (step - 1) * pace, (ARRAY['RELEASED', 'CLAIMED', 'COMPLETED', 'PACKING', 'SHIPPED'])[step],
    (step > 1)::integer, CASE WHEN step = 1 THEN 'orchestrator' ELSE operator_name END,
    CASE WHEN step = 5 THEN 'cdek PAST-' || n END
FROM made CROSS JOIN generate_series(1, 5) AS step
WHERE step <= reached;

INSERT INTO parcel (carrier, tracking_number, order_id, at)
SELECT 'cdek', 'PAST-' || n, order_id, state_since FROM made WHERE reached = 5;

INSERT INTO order_status (order_id, number, version, status, status_since, promise_at, cancellation_requested, allowed, heard_at)
SELECT order_id, number, version, status, state_since, promise_at, false, allowed, state_since FROM made;

INSERT INTO operator (id, name, seen_at)
SELECT DISTINCT operator_id, operator_name, %(newest)s::timestamptz FROM made
ON CONFLICT DO NOTHING;
