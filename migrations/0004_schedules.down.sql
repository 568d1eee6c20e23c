DROP TABLE queue.slots;
DROP TABLE queue.schedules;
