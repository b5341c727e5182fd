-- One service's place in the database: its schema, the role that migrates it, the role that runs on it.
-- For psql, as a superuser, as often as you like:
--   psql -d vitrine -v service=catalog -v password=… -v owner_password=… -f service.sql
-- services.sql does so for all of them.

\set ON_ERROR_STOP on
\set owner :service _owner
\set rebuild :service _rebuild
SET client_min_messages = warning;

SELECT format('CREATE ROLE %I LOGIN', role)
FROM unnest(ARRAY[:'service', :'owner']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec

ALTER ROLE :"service" PASSWORD :'password';
ALTER ROLE :"owner" PASSWORD :'owner_password';

-- Nobody but its owner makes schemas in this database, or temporary tables.
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO PUBLIC;

-- A read model is rebuilt beside the one in use, in a schema of its own.
CREATE SCHEMA IF NOT EXISTS :"service" AUTHORIZATION :"owner";
CREATE SCHEMA IF NOT EXISTS :"rebuild" AUTHORIZATION :"owner";

-- The service reads and writes the rows of the owner's tables, now and later, and defines nothing itself.
GRANT USAGE ON SCHEMA :"service", :"rebuild" TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA :"service", :"rebuild"
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA :"service", :"rebuild"
  GRANT USAGE ON SEQUENCES TO :"service";

ALTER ROLE :"service" SET search_path = :"service";
ALTER ROLE :"owner" SET search_path = :"service";

-- the next service must have its own
\unset password
\unset owner_password
