-- Move an approved proposal on, or only renew its note; fenced by the lease of whoever carries it out.
-- ARGV    3 id, 4 state to reach, 5 states that it may come from, between commas, 6 note or '', 7 at, 8 actor,
--         9 lease, 10 its token, 11 '1' when the new state closes the proposal, 12 what was measured of it or '' (then
--         what is known of that stays)
-- Reply   OK row | UNKNOWN | LEASE_LOST | NOT_FROM state
local id, wanted, note, at = ARGV[3], ARGV[4], ARGV[6], ARGV[7]

if not holds(ARGV[9], ARGV[10]) then return { 'LEASE_LOST', NOW } end
local state = get(id, 'state')
if not state then return { 'UNKNOWN', NOW } end
-- The same step again, after its answer was lost.
local is_measured = ARGV[12] == '' or get(id, 'measured') == ARGV[12]
if state == wanted and (get(id, 'note') or '') == note and is_measured then return { 'OK', NOW, row(id) } end
if not string.find(ARGV[5], ',' .. state .. ',', 1, true) then return { 'NOT_FROM', NOW, state } end

put(id, 'state', wanted)
if ARGV[12] ~= '' then put(id, 'measured', ARGV[12]) end
if note == '' then redis.call('HDEL', PROPOSALS, id .. '/note') else put(id, 'note', note) end
if ARGV[11] == '1' and not get(id, 'finished_at') then close(id, at) end
audit(at, state == wanted and 'noted' or 'advanced', id, ARGV[8], wanted, note)
touch(id)
return { 'OK', NOW, row(id) }
