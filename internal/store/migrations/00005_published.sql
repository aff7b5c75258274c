-- alive_at is when the keys were published last, to within a minute. published_from is since when verifiers can learn a key
-- without a pause: as long as nothing is published, nobody learns anything. 0 is since its creation: so write replicas of the
-- version before, while they are replaced one by one.

-- +goose Up

ALTER TABLE key_ring ADD COLUMN alive_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_key ADD COLUMN published_from BIGINT NOT NULL DEFAULT 0;
