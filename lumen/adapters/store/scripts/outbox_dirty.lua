-- What is behind, in the order in which it was marked.
-- ARGV    3 how many at most
-- Reply   OK { surface, version, "channel ts" or '', mark of the proposal or '', … }
local behind = {}
for _, surface in ipairs(redis.call('ZRANGE', DIRTY, 0, tonumber(ARGV[3]) - 1)) do
  behind[#behind + 1] = surface
  behind[#behind + 1] = redis.call('HGET', MARKS, surface)
  behind[#behind + 1] = redis.call('HGET', SHOWN, surface) or ''
  local id = string.match(surface, '^proposal/(.*)$')
  behind[#behind + 1] = id and get(id, 'mark') or ''
end
return { 'OK', NOW, behind }
