-- The premises have moved: abandon a proposal and store a fresh one in the same step, so that a crash forgets neither.
-- DEDUPE  the request's memory: the id of the fresh proposal
-- ARGV    3…15 the fresh proposal (create in common.lua), 16 the id of the old one, 17 states that it may come from,
--         between commas, 18 note, 19 lease, 20 its token
-- Reply   OK id row | UNKNOWN | LEASE_LOST | NOT_FROM state | LOCKED id state (the fresh one's knob is another's)
local at, old = ARGV[5], ARGV[16]

local made = redis.call('GET', DEDUPE)
if made and get(made, 'state') then return { 'OK', NOW, made, row(made) } end
if not holds(ARGV[19], ARGV[20]) then return { 'LEASE_LOST', NOW } end
local state = get(old, 'state')
if not state then return { 'UNKNOWN', NOW } end
if not string.find(ARGV[17], ',' .. state .. ',', 1, true) then return { 'NOT_FROM', NOW, state } end
local holder = redis.call('HGET', OPEN, ARGV[4])
if holder and holder ~= old then return { 'LOCKED', NOW, holder, get(holder, 'state') } end

put(old, 'state', 'ABANDONED')
put(old, 'note', ARGV[18])
close(old, at)
audit(at, 'advanced', old, 'lumen', 'ABANDONED', ARGV[18])
touch(old)
local id = create(3)
return { 'OK', NOW, id, row(id) }
