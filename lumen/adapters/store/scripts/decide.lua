-- The one transition on which people, timers and replicas race.
-- DEDUPE  the click's memory
-- ARGV    3 id, 4 state to reach, 5 decision, 6 at, 7 actor, 8 the decision that expires, 9 milliseconds to remember
--         the click, 10 lease or '', 11 its token, 12 voter or '', 13 voter as a person, 14 the click's id, 15 whom
--         its answer is owed to or '', 16 the mark on the card or ''
-- Reply   OK won|lost|voted id row | UNKNOWN | TOMBSTONE | LEASE_LOST | NOT_YET | OTHER
local id, wanted, at, voter = ARGV[3], ARGV[4], ARGV[6], ARGV[12]

local function answer(outcome) return remember(outcome, id, ARGV[9], ARGV[14], ARGV[15]) end

local function has_voted(votes)
  for line in string.gmatch(votes, '[^\n]+') do
    if cjson.decode(line).user_id == voter then return true end
  end
  return false
end

local before = remembered()
if before then return before end
if is_other(id, ARGV[16]) then return { 'OTHER', NOW } end
local state = get(id, 'state')
if not state then return { 'UNKNOWN', NOW } end
if ARGV[10] ~= '' and not holds(ARGV[10], ARGV[11]) then return { 'LEASE_LOST', NOW } end
if state ~= 'PENDING' then return answer('lost') end

if is_overdue(id) then
  -- Whatever was clicked came too late, also when no sweep has noticed yet.
  decide(id, 'EXPIRED', ARGV[8], at, 'lumen')
  return answer(wanted == 'EXPIRED' and 'won' or 'lost')
end
if wanted == 'EXPIRED' then return { 'NOT_YET', NOW } end
if wanted == 'APPROVED_BY_TIMER' then
  local acts = redis.call('ZSCORE', COUNTDOWNS, id)
  if not acts or tonumber(acts) > now then return { 'NOT_YET', NOW } end
end

local needed = tonumber(get(id, 'needed'))
if wanted == 'APPROVED' and needed > 1 then
  local votes = get(id, 'votes') or ''
  if has_voted(votes) then return answer('voted') end
  local _, count = string.gsub(votes, '\n', '')
  put(id, 'votes', votes .. ARGV[13] .. '\n')
  if count + 1 < needed then
    audit(at, 'voted', id, ARGV[7], wanted, ARGV[5])
    touch(id)
    return answer('voted')
  end
end
decide(id, wanted, ARGV[5], at, ARGV[7])
return answer('won')
