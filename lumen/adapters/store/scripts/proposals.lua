-- Read proposals.
-- ARGV    3 one | recent | unfinished | countdowns | overdue, 4 the id, or how many, 5 of recent ones: '+inf', or the
--         number before which they begin
-- Reply   OK { id, row, id, row, … }
local ids
if ARGV[3] == 'one' then
  ids = get(ARGV[4], 'state') and { ARGV[4] } or {}
elseif ARGV[3] == 'recent' then
  ids = redis.call('ZREVRANGEBYSCORE', ORDER, ARGV[5], '-inf', 'LIMIT', 0, ARGV[4])
elseif ARGV[3] == 'unfinished' then
  ids = redis.call('ZRANGE', UNFINISHED, 0, -1)
elseif ARGV[3] == 'overdue' then
  ids = redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', NOW, 'LIMIT', 0, ARGV[4])
else
  ids = redis.call('ZRANGEBYSCORE', COUNTDOWNS, '-inf', NOW)
end
local found = {}
for _, id in ipairs(ids) do
  found[#found + 1] = id
  found[#found + 1] = row(id)
end
return { 'OK', NOW, found }
