-- The place of every service. The passwords come from the environment: AUTH_PASSWORD is that of the role `auth`,
-- AUTH_OWNER_PASSWORD that of its owner. For psql, as a superuser, as often as you like:
--   psql -d vitrine -f services.sql

\set service auth
\getenv password AUTH_PASSWORD
\getenv owner_password AUTH_OWNER_PASSWORD
\ir service.sql

\set service catalog
\getenv password CATALOG_PASSWORD
\getenv owner_password CATALOG_OWNER_PASSWORD
\ir service.sql

\set service analysis
\getenv password ANALYSIS_PASSWORD
\getenv owner_password ANALYSIS_OWNER_PASSWORD
\ir service.sql

\set service generation
\getenv password GENERATION_PASSWORD
\getenv owner_password GENERATION_OWNER_PASSWORD
\ir service.sql
