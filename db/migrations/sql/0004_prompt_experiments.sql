-- Prompt experiments and what became of them.
SELECT 1;
