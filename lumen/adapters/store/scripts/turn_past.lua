-- What a turn needs of those before it, the newest first, each a line of one text (turns_of.lua). A turn of an older
-- Lumen stands there whole.
-- ARGV    3 how many
-- Reply   OK the newest turn ('' for none), lines ('' for none)
local ids, found = redis.call('ZREVRANGE', TURN_ORDER, 0, tonumber(ARGV[3]) - 1), {}
for at, id in ipairs(ids) do
  found[at] = redis.call('HGET', TURNS, 'past/' .. id) or redis.call('HGET', TURNS, id)
end
return { 'OK', NOW, ids[1] and redis.call('HGET', TURNS, ids[1]) or '', table.concat(found, '\n') }
