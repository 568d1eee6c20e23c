DROP TABLE public.generations;
DROP TABLE public.users;
