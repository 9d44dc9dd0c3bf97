-- Store parts of days in place of what stood there, and how far the stream has been read.
-- DEDUPE  the hash of a service's accesses: "<day>/<hour>", and "progress"
-- ARGV    3 lease, 4 its token, 5 the progress, 6 the first day that is kept or '', 7… names and parts in turns
-- Reply   OK | LEASE_LOST
if not holds(ARGV[3], ARGV[4]) then return { 'LEASE_LOST', NOW } end
for at = 7, #ARGV, 2 do redis.call('HSET', DEDUPE, ARGV[at], ARGV[at + 1]) end
redis.call('HSET', DEDUPE, 'progress', ARGV[5])
if ARGV[6] ~= '' then
  for _, name in ipairs(redis.call('HKEYS', DEDUPE)) do
    if name ~= 'progress' and name < ARGV[6] then redis.call('HDEL', DEDUPE, name) end
  end
end
return { 'OK', NOW }
