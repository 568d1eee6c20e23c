DROP TABLE backup.beginning, backup.drills, backup.backups;
DROP SCHEMA backup;
