#!/usr/bin/env bash
# Makes the logins with their passwords in a new database of compose.yaml; what they may do is access.json's to say.
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
\getenv app APP_PASSWORD
\getenv migrator MIGRATOR_PASSWORD
CREATE ROLE beers_app LOGIN PASSWORD :'app';
CREATE ROLE beers_migrator LOGIN PASSWORD :'migrator';
SQL
