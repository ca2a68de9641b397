-- +goose Up

-- doc is the whole record as JSON; the other columns are what queries ask for. Times are microseconds since 1970, in UTC.
CREATE TABLE sessions (
	id        TEXT PRIMARY KEY,
	asset     TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	completed INTEGER NOT NULL, -- 0 or 1
	created   BIGINT NOT NULL,
	doc       TEXT NOT NULL
);
CREATE INDEX sessions_by_created ON sessions (created DESC, id);
CREATE INDEX sessions_by_user ON sessions (user_id, created DESC, id);
CREATE INDEX sessions_by_asset ON sessions (asset, created DESC, id);
CREATE INDEX sessions_live ON sessions (created DESC, id) WHERE completed = 0;

-- A ticket is kept under the SHA-256 of its text, in hexadecimal: the text itself is nowhere.
CREATE TABLE tickets (
	hash        TEXT PRIMARY KEY,
	session     TEXT NOT NULL,
	participant TEXT NOT NULL,
	user_id     TEXT NOT NULL,
	login       TEXT NOT NULL,
	cookie      INTEGER NOT NULL, -- 0 or 1
	origin      TEXT NOT NULL,
	expires     BIGINT NOT NULL
);

CREATE TABLE claims (
	name  TEXT PRIMARY KEY,
	until BIGINT NOT NULL
);
CREATE INDEX claims_by_until ON claims (until);

CREATE TABLE tallies (
	name  TEXT PRIMARY KEY,
	total BIGINT NOT NULL,
	until BIGINT NOT NULL
);
CREATE INDEX tallies_by_until ON tallies (until);

CREATE TABLE params (
	user_id TEXT NOT NULL,
	asset   TEXT NOT NULL,
	doc     TEXT NOT NULL,
	PRIMARY KEY (user_id, asset)
);

-- +goose Down
DROP TABLE params;
DROP TABLE tallies;
DROP TABLE claims;
DROP TABLE tickets;
DROP TABLE sessions;
