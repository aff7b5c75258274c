-- +goose Up

-- Where a session was begun from: JSON.
ALTER TABLE session ADD COLUMN begun_from TEXT NOT NULL DEFAULT '{}';
