-- How far a service's slices are stored.
-- Reply   OK the newest slice or '' the epoch's id how often slices were corrected
local newest, corrections = unpack(redis.call('HMGET', STANDING, 'newest slice', 'corrections'))
return { 'OK', NOW, newest or '', redis.call('HGET', EPOCH, 'id') or '', corrections or '0' }
