-- Count one person's agreement to something that was asked for (control_ask.lua); the last one that is needed uses it up.
-- ARGV    3 what, 4 voter, 5 voter as a person, 6 people needed, 7 milliseconds for which votes count, 8 at,
--         9 who asked, a slash, and the id of the asking
-- Reply   OK voted|complete person … (each that has agreed, oldest first) | GONE (used up, run out, or another's)
-- Stored under "votes/<what>": until when they count (ms), then a person a line.
local field, voter, needed, at = 'votes/' .. ARGV[3], ARGV[4], tonumber(ARGV[6]), ARGV[8]

local asker, id = string.match(ARGV[9], '^([^/]+)/(.+)$')
local asked = asker and redis.call('HGET', STANDING, 'asked/' .. ARGV[3] .. '/' .. asker)
local asked_until, asked_id = string.match(asked or '', '^(%d+)\n(.*)$')
if not asked_id or asked_id ~= id or tonumber(asked_until) <= now then return { 'GONE', NOW } end
if needed <= 1 and asker ~= voter then return { 'GONE', NOW } end

local until_ms, people, known = now + tonumber(ARGV[7]), {}, false

local before = redis.call('HGET', STANDING, field)
if before then
  local first, rest = string.match(before, '^(%d+)\n(.*)$')
  if tonumber(first) > now then
    until_ms = tonumber(first)
    for line in string.gmatch(rest, '[^\n]+') do
      people[#people + 1] = line
      if cjson.decode(line).user_id == voter then known = true end
    end
  end
end
if not known then people[#people + 1] = ARGV[5] end

local complete = #people >= needed
if complete then
  redis.call('HDEL', STANDING, field, 'asked/' .. ARGV[3] .. '/' .. asker)
else
  redis.call('HSET', STANDING, field, digits(until_ms) .. '\n' .. table.concat(people, '\n'))
end
if not known and needed > 1 then audit(at, 'agreed', '', voter, ARGV[3] .. ' ' .. #people .. '/' .. ARGV[6], '') end
return { 'OK', NOW, complete and 'complete' or 'voted', unpack(people) }
