-- Where a surface's message stands.
-- ARGV    3 surface, 4 the mark of its proposal, or ''
-- Reply   OK "channel ts" or '' (not posted; or the proposal with that id is another one)
local id = string.match(ARGV[3], '^proposal/(.*)$')
if id and is_other(id, ARGV[4]) then return { 'OK', NOW, '' } end
return { 'OK', NOW, redis.call('HGET', SHOWN, ARGV[3]) or '' }
