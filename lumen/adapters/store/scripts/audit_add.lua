-- What happened without changing a proposal.
-- ARGV    3 at, 4 event, 5 actor, 6 detail, 7 proposal id or '', 8 data or ''
-- Reply   OK
audit(ARGV[3], ARGV[4], ARGV[7], ARGV[5], ARGV[6], ARGV[8])
return { 'OK', NOW }
