-- Expire what is pending past its deadline, a batch at a time.
-- ARGV    3 the decision that expires, 4 at, 5 how many at most
-- Reply   OK { id, row, id, row, … }
local expired = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', NOW, 'LIMIT', 0, ARGV[5])) do
  decide(id, 'EXPIRED', ARGV[3], ARGV[4], 'lumen')
  expired[#expired + 1] = id
  expired[#expired + 1] = row(id)
end
return { 'OK', NOW, expired }
