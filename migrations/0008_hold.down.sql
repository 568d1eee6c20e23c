DROP TRIGGER settle_before_renewal ON queue.workers;
DROP TRIGGER settle_before_lease ON queue.workers;
DROP FUNCTION queue.settle_before_lease(), queue.settle(), queue.release(), queue.hold(text), queue.is_held(),
    queue.is_at_home(), queue.database_oid(), queue.system_identifier();
DROP TABLE queue.home;
