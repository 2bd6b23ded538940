const fs = require("fs");
console.log(fs.readFileSync("/app/list.csv", "utf8"));
