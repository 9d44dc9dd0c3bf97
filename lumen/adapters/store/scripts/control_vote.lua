-- Count one person's agreement to something that several must agree to.
-- ARGV    3 what, 4 voter, 5 voter as a person, 6 people needed, 7 milliseconds for which votes count, 8 at
-- Reply   OK voted|complete person … (each that has agreed, oldest first)
-- Stored under "votes/<what>": until when they count (ms), then a person a line.
local field, voter, needed, at = 'votes/' .. ARGV[3], ARGV[4], tonumber(ARGV[6]), ARGV[8]
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
  redis.call('HDEL', STANDING, field)
else
  redis.call('HSET', STANDING, field, digits(until_ms) .. '\n' .. table.concat(people, '\n'))
end
if not known then audit(at, 'agreed', '', voter, ARGV[3] .. ' ' .. #people .. '/' .. ARGV[6], '') end
return { 'OK', NOW, complete and 'complete' or 'voted', unpack(people) }
