-- What operators earned with the orders in `made`.
INSERT INTO pay_ledger (work_order_id, claim_no, kind, operator_id, operator_name, order_id, order_number, title, amount, currency, at)
SELECT work_order_id, 1, 'earn', operator_id, operator_name, order_id, number, title, round(900 + 60 * weight_g, 2), 'RUB',
    released_at + pace
FROM made
WHERE reached > 1;
