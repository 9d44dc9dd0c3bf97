-- Something that a surface shows has changed.
-- ARGV    3 surface
-- Reply   OK
redis.call('HINCRBY', MARKS, ARGV[3], 1)
redis.call('ZADD', DIRTY, 'NX', now, ARGV[3])
return { 'OK', NOW }
