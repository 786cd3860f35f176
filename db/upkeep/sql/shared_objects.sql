-- Return the keys that ready files name: their objects stay. Called before the objects of a deletion are deleted, whose
-- own files are not ready any more. Zero rows: no other file has them.
SELECT object_key FROM assets WHERE object_key = ANY (CAST(:keys AS text[])) AND state = 'ready'
