-- Credits as a ledger, and undoing as rows.
SELECT 1;
