-- Tell which keys rows name still. Called by the doctor before it says that an object is missing, because retention
-- may have removed it with its row while the doctor was looking. Zero rows: none of them.
SELECT object_key AS key FROM assets WHERE object_key = ANY (CAST(:keys AS text[])) AND state = 'ready'
UNION
SELECT source_key FROM attempts WHERE source_key = ANY (CAST(:keys AS text[]))
