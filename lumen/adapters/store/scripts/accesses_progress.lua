-- How far the stream of accesses has been read.
-- DEDUPE  as of accesses_put
-- Reply   OK, the progress
return { 'OK', NOW, redis.call('HGET', DEDUPE, 'progress') }
