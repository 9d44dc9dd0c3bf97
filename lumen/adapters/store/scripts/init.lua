-- Prepare the store for one service. Stands alone: common.lua would refuse a store without an epoch.
-- KEYS    1 epoch
-- ARGV    1 schema, 2 epoch id, 3 made at
-- Reply   { '1' when it was prepared just now, schema, epoch id, made at }
local made = redis.call('HSETNX', KEYS[1], 'id', ARGV[2])
if made == 1 then
  -- Fencing tokens start at the time in microseconds, so that those of an emptied store stay older than all that
  -- follow.
  local clock = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'schema', ARGV[1], 'made_at', ARGV[3], 'fence',
    clock[1] .. string.format('%06d', clock[2]))
end
local found = redis.call('HMGET', KEYS[1], 'schema', 'id', 'made_at')
return { tostring(made), found[1], found[2], found[3] }
