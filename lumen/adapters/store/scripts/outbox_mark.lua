-- Something that a surface shows has changed.
-- ARGV    3 surface
-- Reply   OK
mark(ARGV[3])
return { 'OK', NOW }
