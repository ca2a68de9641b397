-- +goose Up

-- doc is the whole record as JSON; the other columns are what queries ask for.
CREATE TABLE requests (
	id        TEXT PRIMARY KEY,
	revision  BIGINT NOT NULL,
	user_id   TEXT NOT NULL,
	asset     TEXT NOT NULL,
	operation TEXT NOT NULL,
	session   TEXT NOT NULL,
	open      INTEGER NOT NULL, -- 0 or 1: pending or approved
	exclusive INTEGER NOT NULL, -- 0 or 1
	created   BIGINT NOT NULL,
	doc       TEXT NOT NULL
);
CREATE INDEX requests_by_created ON requests (created DESC, id);
CREATE INDEX requests_by_user ON requests (user_id, created DESC, id);
CREATE INDEX requests_open ON requests (asset, user_id, operation) WHERE open = 1;

-- +goose Down
DROP TABLE requests;
