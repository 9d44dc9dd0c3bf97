-- Let a budget's notice count, if it is greater than the one that does: of a later interval, or published later.
-- ARGV    3 since, 4 published at (both of one width, so that text sorts as time does), 5 cost, 6 notice
-- Reply   OK whether it counts
local known = redis.call('HMGET', STANDING, 'billed since', 'billed at', 'billed cost')
local function is_greater()
  if not known[1] or ARGV[3] ~= known[1] then return not known[1] or ARGV[3] > known[1] end
  if ARGV[4] ~= known[2] then return ARGV[4] > known[2] end
  return tonumber(ARGV[5]) > tonumber(known[3])
end
if not is_greater() then return { 'OK', NOW, '' } end
redis.call('HSET', STANDING, 'billed since', ARGV[3], 'billed at', ARGV[4], 'billed cost', ARGV[5], 'billed', ARGV[6])
return { 'OK', NOW, '1' }
