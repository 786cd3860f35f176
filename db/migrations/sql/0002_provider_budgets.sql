-- What all workers share about the provider: budgets, breakers, and webhooks that came in.
SELECT 1;
