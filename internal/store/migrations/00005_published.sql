-- alive_at is when the keys were published last, to within a minute. published_from is since when verifiers can learn a key
-- without a pause: as long as nothing is published, nobody learns anything.

-- +goose Up

ALTER TABLE key_ring ADD COLUMN alive_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_key ADD COLUMN published_from BIGINT NOT NULL DEFAULT 0;
UPDATE signing_key SET published_from = created_at;
