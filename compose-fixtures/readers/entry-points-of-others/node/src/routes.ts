export const routes = (req, res) => res.end();
