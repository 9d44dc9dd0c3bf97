-- The premises have moved: abandon a proposal and store a fresh one in the same step, so that a crash forgets neither.
-- DEDUPE  the request's memory: the id of the fresh proposal
-- ARGV    3…14 the fresh proposal (create in common.lua), 15 the id of the old one, 16 states that it may come from,
--         between commas, 17 note, 18 lease, 19 its token
-- Reply   OK id row | UNKNOWN | LEASE_LOST | NOT_FROM state | LOCKED id state (the fresh one's knob is another's)
local at, old = ARGV[5], ARGV[15]

local made = redis.call('GET', DEDUPE)
if made and get(made, 'state') then return { 'OK', NOW, made, row(made) } end
if not holds(ARGV[18], ARGV[19]) then return { 'LEASE_LOST', NOW } end
local state = get(old, 'state')
if not state then return { 'UNKNOWN', NOW } end
if not string.find(ARGV[16], ',' .. state .. ',', 1, true) then return { 'NOT_FROM', NOW, state } end
local holder = redis.call('HGET', OPEN, ARGV[4])
if holder and holder ~= old then return { 'LOCKED', NOW, holder, get(holder, 'state') } end

put(old, 'state', 'ABANDONED')
put(old, 'note', ARGV[17])
close(old, at)
audit(at, 'advanced', old, 'lumen', 'ABANDONED', ARGV[17])
touch(old)
local id = create(3)
return { 'OK', NOW, id, row(id) }
