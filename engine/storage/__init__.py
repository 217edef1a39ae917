"""Where everything is kept: tables, migrations, the journal."""
