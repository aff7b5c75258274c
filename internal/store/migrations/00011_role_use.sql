-- +goose Up

-- When each permission of a role was last used, by day. since is when that began to be watched; used_on is 0 for never, as
-- handed_out_on is, the day of a token whose use is not seen. No reference to role: its row is replaced when it is edited.
CREATE TABLE role_use (
    role_id       TEXT NOT NULL,
    permission    TEXT NOT NULL,
    since         BIGINT NOT NULL,
    used_on       BIGINT NOT NULL,
    handed_out_on BIGINT NOT NULL,
    PRIMARY KEY (role_id, permission)
);
