-- A pending proposal becomes a countdown: from a moment on it may act by itself. Not a decision; votes stay.
-- ARGV    3 id, 4 draft, 5 at, 6 expires at, 7 milliseconds until it expires, 8 acts at, 9 milliseconds until it may act
--         by itself, 10 incident, 11 actor
-- Reply   OK row | UNKNOWN | NOT_FROM state
local id, at = ARGV[3], ARGV[5]

local state = get(id, 'state')
if not state then return { 'UNKNOWN', NOW } end
if state ~= 'PENDING' or is_overdue(id) then return { 'NOT_FROM', NOW, state } end
if redis.call('ZSCORE', COUNTDOWNS, id) then return { 'OK', NOW, row(id) } end

put(id, 'draft', ARGV[4])
put(id, 'incident', ARGV[10])
if (get(id, 'shown_in') or '') == '' then put(id, 'shown_in', shown_in(get(id, 'knob'), ARGV[10])) end
put(id, 'expires_at', ARGV[6])
redis.call('ZADD', DEADLINES, digits(now + tonumber(ARGV[7])), id)
put(id, 'acts_at', ARGV[8])
redis.call('ZADD', COUNTDOWNS, digits(now + tonumber(ARGV[9])), id)
audit(at, 'armed', id, ARGV[11], ARGV[8], ARGV[4])
touch(id)
return { 'OK', NOW, row(id) }
