-- Prompt experiments: which variant of a prompt each submission was asked with. What became of it is in the row already.
ALTER TABLE attempts
    ADD COLUMN experiment text,
    ADD COLUMN variant text,
    ADD CONSTRAINT attempts_variant_of_experiment CHECK ((experiment IS NULL) = (variant IS NULL));
CREATE INDEX attempts_by_experiment ON attempts (experiment, variant, started_at) WHERE experiment IS NOT NULL;
