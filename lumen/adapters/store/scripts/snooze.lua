-- Put off the moment at which a pending proposal acts by itself. Not a decision.
-- DEDUPE  the click's memory
-- ARGV    3 id, 4 acts at as the person saw it, 5 acts at from now on, 6 milliseconds more, 7 at, 8 actor, 9 person,
--         10 milliseconds to remember the click, 11 the decision that expires,
--         12 the click's id, 13 whom its answer is owed to or '', 14 the mark on the card or ''
-- Reply   OK snoozed|lost id row | UNKNOWN | TOMBSTONE | NO_COUNTDOWN | OTHER
local id, at = ARGV[3], ARGV[7]

local function answer(outcome) return remember(outcome, id, ARGV[10], ARGV[12], ARGV[13]) end

local before = remembered()
if before then return before end
if is_other(id, ARGV[14]) then return { 'OTHER', NOW } end
local state = get(id, 'state')
if not state then return { 'UNKNOWN', NOW } end
if state ~= 'PENDING' then return answer('lost') end
if is_overdue(id) then
  decide(id, 'EXPIRED', ARGV[11], at, 'lumen')
  return answer('lost')
end
local acts = redis.call('ZSCORE', COUNTDOWNS, id)
if not acts then return { 'NO_COUNTDOWN', NOW } end
-- Somebody else has snoozed it since: that is what the person wanted, so it is not done twice.
if get(id, 'acts_at') ~= ARGV[4] then return answer('lost') end

local later = digits(math.max(now, tonumber(acts)) + tonumber(ARGV[6]))
redis.call('ZADD', COUNTDOWNS, later, id)
-- It must outlive its own countdown by as much as before.
redis.call('ZINCRBY', DEADLINES, ARGV[6], id)
put(id, 'acts_at', ARGV[5])
put(id, 'snoozes', (get(id, 'snoozes') or '') .. ARGV[9] .. '\n')
audit(at, 'snoozed', id, ARGV[8], ARGV[5], ARGV[9])
touch(id)
return answer('snoozed')
