-- While the model is being asked, the question's key in the cache holds a claim: a mark and the id of the request that
-- asks. No answer begins with a mark. The claim is a lease: the key expires unless it is renewed. A set beside the key
-- has the requests that wait for the answer.
--
--     the question's key                 ?{requestId}    claimed, nobody waits
--                                        !{requestId}    claimed, others wait
--                                        anything else   the answer: JSON, or sealed, in base64
--     the question's key and :awaiting   set: requestIds of those that wait

local CLAIMED = '?'
local CLAIMED_AND_AWAITED = '!'
local AWAITING = ':awaiting'
