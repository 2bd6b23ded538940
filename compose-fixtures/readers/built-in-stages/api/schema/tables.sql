create table reading (at timestamptz, value real);
