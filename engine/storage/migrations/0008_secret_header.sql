-- Which header carries a secret to the hosts that it is for; empty: Authorization, as a bearer token.
ALTER TABLE secrets ADD COLUMN header TEXT DEFAULT '' NOT NULL;
