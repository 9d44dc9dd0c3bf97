-- Take an empty store for a copy that is about to be written into it. Stands alone: there is no epoch yet. What one that
-- broke off has left behind is taken over.
-- KEYS    those of one service, the epoch first
-- ARGV    1 the word for a store into which a copy is being written, 2 the id of the copy's epoch, 3 when that was made
-- Reply   { 'OK' } | { 'EPOCH' schema, the copy that it was imported from or '' } | { 'LEFT' a key without an epoch }
local found = redis.call('HMGET', KEYS[1], 'schema', 'imported')
if found[1] and found[1] ~= ARGV[1] then return { 'EPOCH', found[1], found[2] or '' } end
if not found[1] then
  for at = 1, #KEYS do
    if redis.call('EXISTS', KEYS[at]) == 1 then return { 'LEFT', KEYS[at] } end
  end
end
redis.call('HSET', KEYS[1], 'schema', ARGV[1], 'id', ARGV[2], 'made_at', ARGV[3])
return { 'OK' }
