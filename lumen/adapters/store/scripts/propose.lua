-- Store a new PENDING proposal; a pending one of the same knob gives way in the same step.
-- DEDUPE  the request's memory: the id of the proposal that it made
-- ARGV    3…13 the proposal (create in common.lua), 14 the decision that supersedes, 15 the decision that expires
-- Reply   OK id row | LOCKED id state (one of the knob is approved or being applied)
local knob, at, actor = ARGV[4], ARGV[5], ARGV[11]

local made = redis.call('GET', DEDUPE)
if made and get(made, 'state') then return { 'OK', NOW, made, row(made) } end

local older = redis.call('HGET', OPEN, knob)
if older then
  local state = get(older, 'state')
  if state ~= 'PENDING' then return { 'LOCKED', NOW, older, state } end
  if is_overdue(older) then
    decide(older, 'EXPIRED', ARGV[15], at, 'lumen')
  else
    decide(older, 'SUPERSEDED', ARGV[14], at, actor)
  end
end
local id = create(3)
return { 'OK', NOW, id, row(id) }
